import t from 'tap'
import { addressOf, networkOf } from '../src/http/plugins/rate-limit.js'

const request = (ip: string) => ({ ip, socket: { remoteAddress: '198.51.100.9' } }) as Parameters<typeof addressOf>[0]

t.test('a caller is his IPv4 address, or the /64 of his IPv6 one', async (t) => {
  t.equal(networkOf('203.0.113.7'), '203.0.113.7')
  t.equal(networkOf('::ffff:203.0.113.7'), '203.0.113.7')
  t.equal(networkOf('2001:db8:1:2:3::4'), networkOf('2001:db8:1:2:ffff::'))
  t.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
})

t.test('what a proxy wrote is read with or without a port; what is no address counts for the proxy', async (t) => {
  t.equal(addressOf(request('203.0.113.7:51234')), '203.0.113.7')
  t.equal(addressOf(request('[2001:db8::1]:443')), '2001:db8::1')
  for (const garbage of ['unknown', '', 'garbage', '1.2.3.4.5', '_hidden'])
    t.equal(addressOf(request(garbage)), '198.51.100.9')
})
