import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { randomPhone } from '../journey/journey.js'
import { production } from './production.js'

interface Span {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
}

/** An OpenTelemetry collector: takes OTLP over HTTP, as JSON, and keeps it. */
async function collector(t: Test) {
  const spans: Span[] = []
  let text = ''
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      text += body
      for (const { resource, scopeSpans } of JSON.parse(body).resourceSpans) {
        const service = resource.attributes.find(({ key }: { key: string }) => key === 'service.name').value.stringValue
        for (const { spans: sent } of scopeSpans) spans.push(...sent.map((span: object) => ({ ...span, service })))
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, text: () => text }
}

t.test(
  'a code is one trace from the request to the receipt, named after the request, and nothing of a person in it',
  async (t) => {
    const otel = await collector(t)
    const on = await production(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: otel.url } })
    const phone = randomPhone()
    await on.report({ to: phone, how: 'usual', ending: 'delivered' })
    const asked = await fetch(`${on.stack.gatewayUrl}/v1/signup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
      body: JSON.stringify({ phone }),
    })
    const { challenge } = (await asked.json()) as { challenge: { id: string } }
    const code = await on.codeFor(phone)
    const traceId = asked.headers.get('x-request-id')?.replaceAll('-', '') ?? ''
    const named = (service: string, name: RegExp) =>
      eventually(
        `${service}: ${name}`,
        async () =>
          otel.spans.find((span) => span.traceId === traceId && span.service === service && name.test(span.name)),
        30_000,
      )
    const root = await named('latchkey-auth-gateway', /^POST \/v1\/signup$/)
    t.equal(root.parentSpanId ?? '', '', 'a stranger names no trace of ours')
    const below = [
      await named('latchkey-users', /^POST \/internal\//),
      await named('latchkey-auth-gateway', /add/),
      await named('latchkey-sms-worker', /process/),
      await named('latchkey-sms-worker', /^send twilio$/),
      await named('latchkey-users', /process/),
    ]
    await named('latchkey-users', /^receipt twilio$/)
    const known = new Set(otel.spans.map(({ spanId }) => spanId))
    for (const { name, parentSpanId } of below) t.ok(known.has(parentSpanId ?? ''), `${name} hangs below another`)
    for (const secret of [phone.slice(1), phone.slice(3), code, challenge.id]) t.notMatch(otel.text(), secret)
  },
)
