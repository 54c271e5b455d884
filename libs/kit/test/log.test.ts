import { execFileSync } from 'node:child_process'
import t from 'tap'

const module = JSON.stringify(new URL('../src/log.js', import.meta.url).href)

/** What a process writes that logs this, given as source: the log goes to its standard output, past whatever a test could catch. */
function logged(entry: string): Record<string, any> {
  const program = `import { createLog } from ${module}; createLog('a-service', 'info').info(${entry}, 'said')`
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }))
}

t.test('what is named like a secret is not logged, three levels deep', (t) => {
  const [secret, hidden] = ['correct horse', '[redacted]']
  const line = logged(
    JSON.stringify({ code: secret, job: { phone: secret, data: { refreshToken: secret } }, messageId: 'm-1' }),
  )
  t.match(line, {
    service: 'a-service',
    msg: 'said',
    messageId: 'm-1',
    code: hidden,
    job: { phone: hidden, data: { refreshToken: hidden } },
  })
  t.notMatch(JSON.stringify(line), secret)
  t.end()
})

t.test('of an error, and of what caused it, only name, message, stack and code are logged', (t) => {
  const { err } = logged(`{ err: Object.assign(new Error('no', {
    cause: Object.assign(new TypeError('why'), { request: { body: 'correct horse' } }),
  }), { code: 'ECONNRESET', response: 'correct horse' }) }`)
  t.match(err, { name: 'Error', message: 'no', errorCode: 'ECONNRESET', cause: { name: 'TypeError', message: 'why' } })
  t.same(Object.keys(err).sort(), ['cause', 'errorCode', 'message', 'name', 'stack'])
  t.notMatch(JSON.stringify(err), 'correct horse')
  t.end()
})
