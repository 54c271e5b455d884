import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { pagePaths } from '@latchkey/contracts/v1/pages'
import { createHttp } from '@latchkey/kit/http'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { entrySender, pages, type PagesOptions } from '../src/http/pages.js'
import { securityHeaders } from '../src/http/plugins/security-headers.js'

const script = 'export const x = 1\n'.repeat(200)

async function gateway(t: Test, more: Partial<PagesOptions> = {}, logo?: string) {
  const folder = t.testdir({
    'index.html':
      '<html><head><meta name="latchkey" content="" /><title>Latchkey</title></head><body><script src="/assets/a-1.js"></script></body></html>',
    dev: { 'inbox.html': '<html></html>', assets: { 'b-1.js': script } },
    assets: { 'a-1.js': script, 'a-1.js.br': brotliCompressSync(script), phone: { '91.json': '{}' } },
    'logo.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
  })
  const options: PagesOptions = {
    folder,
    brand: { name: 'Latchkey', color: '#3355dd' },
    settings: { mail: false, countries: null, codeDigits: 6 },
    ...(logo !== undefined && { logo: join(folder, logo) }),
    ...more,
  }
  const app = createHttp({ log: pino({ level: 'silent' }), metrics: new Registry(), requestId: () => 'r-1' })
  await app.register(securityHeaders, { origins: [] })
  await app.register(pages, { ...options, sendEntry: entrySender(options) })
  t.teardown(() => app.close())
  return app
}

t.test('every page may run, show and call what is ours, and nothing else; it is never kept', async (t) => {
  const app = await gateway(t)
  for (const path of pagePaths) {
    const { statusCode, headers } = await app.inject(path)
    t.equal(statusCode, 200, path)
    t.equal(headers['cache-control'], 'no-store')
    const policy = String(headers['content-security-policy'])
    t.match(policy, /^default-src 'none';/)
    t.notMatch(policy, /unsafe|https?:|data:|\*/)
    t.match(policy, /frame-ancestors 'none'/)
    t.match(policy, /require-trusted-types-for 'script'; trusted-types 'none'/)
  }
})

t.test('files of the build are kept for a year, and come compressed to who takes that', async (t) => {
  const app = await gateway(t)
  const plain = await app.inject('/assets/a-1.js')
  t.equal(plain.body, script)
  t.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable')
  t.match(plain.headers['content-type'], /javascript/)
  const small = await app.inject({ url: '/assets/a-1.js', headers: { 'accept-encoding': 'gzip, br' } })
  t.equal(small.headers['content-encoding'], 'br')
  t.equal(brotliDecompressSync(small.rawPayload).toString(), script)
  t.equal((await app.inject('/assets/phone/91.json')).statusCode, 200)
})

t.test('no address but those of the pages and their files is answered by a page', async (t) => {
  const app = await gateway(t)
  for (const path of [
    '/index.html',
    '/assets/',
    '/assets/a-1.js.br',
    '/assets/..%2findex.html',
    '/assets/../index.html',
    '/assets/%2e%2e/index.html',
    '/dev/inbox',
    '/dev/inbox.html',
    '/dev/assets/b-1.js',
    '/assets/../dev/assets/b-1.js',
    '/assets/%2e%2e/dev/assets/b-1.js',
    '/account/nothing',
    '/Login',
    '/api/auth/login',
  ])
    t.equal((await app.inject(path)).statusCode, 404, path)
  t.match(await app.inject({ method: 'POST', url: '/login' }), { statusCode: 405, headers: { allow: /GET/ } })
})

t.test('what the page is told is text to it, whatever the brand is called', async (t) => {
  const name = `"><script>alert('$&')</script>`
  const app = await gateway(t, { brand: { name, color: '#00ff00' } })
  const { body } = await app.inject('/login')
  t.notMatch(body, /<script>alert/)
  const [, content = ''] = /<meta name="latchkey" content="([^"]*)"/.exec(body) ?? []
  const told = JSON.parse(content.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code))))
  t.strictSame(told, { mail: false, countries: null, codeDigits: 6, brand: { name, color: '#00ff00', logo: null } })
})

t.test('a logo is a picture and nothing that runs', async (t) => {
  const app = await gateway(t, {}, 'logo.svg')
  const { headers } = await app.inject('/assets/logo')
  t.match(headers, { 'content-type': 'image/svg+xml', 'content-security-policy': /default-src 'none'/ })
  t.match((await app.inject('/')).body, /&#34;logo&#34;:&#34;\/assets\/logo&#34;/)
})
