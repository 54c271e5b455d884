// The least that a request can cost: one Fastify route with a schema, in a process of its own.
import fastify from 'fastify'

const app = fastify()
const body = { type: 'object', required: ['phone'], properties: { phone: { type: 'string' } } }
const reply = { 200: { type: 'object', properties: { id: { type: 'string' } } } }
app.get('/ready', async () => 'ok')
app.post('/', { schema: { body, response: reply } }, async () => ({ id: 'one' }))
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' })
