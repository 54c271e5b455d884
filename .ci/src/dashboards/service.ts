import { type Dashboard, quantile } from './panels.js'

const http = 'latchkey_http_request_seconds'

/** Is it up, is it fast, does it fail, and what does it lean on. */
export const serviceDashboard: Dashboard = {
  uid: 'latchkey-service',
  title: 'Latchkey · service',
  rows: [
    {
      title: 'Calls by face',
      panels: [
        {
          title: 'Calls a second',
          unit: 'reqps',
          queries: [{ expr: 'sum by (face) (face:latchkey_http_requests:rate5m)', legend: '{{face}}' }],
        },
        {
          title: 'Share of 5xx',
          unit: 'percentunit',
          queries: [
            {
              expr: 'sum by (face) (face:latchkey_http_requests:rate5m{status=~"5.."}) / sum by (face) (face:latchkey_http_requests:rate5m)',
              legend: '{{face}}',
            },
          ],
        },
        {
          title: '99 of 100 take at most',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.99, sum by (le, face) (face:latchkey_http_request_seconds_bucket:rate5m))',
              legend: '{{face}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Calls by route',
      panels: [
        {
          title: 'Calls a second',
          unit: 'reqps',
          queries: [
            { expr: `sum by (service, method, route) (rate(${http}_count[5m]))`, legend: '{{method}} {{route}}' },
          ],
        },
        {
          title: '5xx a second',
          about: 'A 503 consumed nothing: the same code works afterwards.',
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (service, method, route) (rate(${http}_count{status=~"5.."}[5m]))`,
              legend: '{{service}} {{method}} {{route}}',
            },
          ],
        },
        {
          title: '99 of 100 take at most',
          unit: 's',
          queries: [{ expr: quantile(0.99, http, 'service, method, route'), legend: '{{method}} {{route}}' }],
        },
      ],
    },
    {
      title: 'What it leans on',
      panels: [
        {
          title: 'Checks of /ready that fail',
          unit: 'short',
          queries: [{ expr: 'count by (service, check) (latchkey_check == 0)', legend: '{{service}}: {{check}}' }],
        },
        {
          title: 'Memory of Redis',
          about: 'Full, it refuses writes. Without a `maxmemory` only the line in use is there.',
          unit: 'bytes',
          queries: [
            { expr: 'max by (redis) (latchkey_redis_memory_bytes)', legend: '{{redis}} uses' },
            { expr: 'max by (redis) (latchkey_redis_memory_max_bytes > 0)', legend: '{{redis}} may use' },
          ],
        },
        {
          title: 'Redis keeps what it is given',
          unit: 'none',
          stat: true,
          queries: [{ expr: 'min by (redis) (latchkey_redis_policy_good)', legend: '{{redis}}' }],
        },
        {
          title: 'Connections to Postgres',
          unit: 'short',
          queries: [{ expr: 'sum by (state) (latchkey_postgres_connections)', legend: '{{state}}' }],
        },
        {
          title: 'Calls kept away from users',
          unit: 'short',
          queries: [{ expr: 'sum by (calls) (latchkey_users_away)', legend: '{{calls}}' }],
        },
        {
          title: 'Passwords',
          unit: 'short',
          queries: [
            { expr: 'sum by (state) (latchkey_hashes)', legend: '{{state}}' },
            { expr: 'sum by (why) (rate(latchkey_hashes_refused_total[5m]))', legend: 'turned away a second: {{why}}' },
          ],
        },
        {
          title: 'A password waits for its turn',
          unit: 's',
          queries: [{ expr: quantile(0.99, 'latchkey_hash_wait_seconds', ''), legend: '99 of 100 at most' }],
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'Replicas',
          unit: 'short',
          queries: [{ expr: 'sum by (job) (up{job=~"auth-gateway|users|sms-worker"})', legend: '{{job}}' }],
        },
        {
          title: 'Lag of the event loop',
          about: 'Looked at every 50 ms, which is the least it tells.',
          unit: 's',
          queries: [{ expr: 'max by (service) (nodejs_eventloop_lag_p99_seconds)', legend: '{{service}}' }],
        },
        {
          title: 'Cores in use',
          unit: 'short',
          queries: [{ expr: 'sum by (service) (rate(process_cpu_seconds_total[5m]))', legend: '{{service}}' }],
        },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: [{ expr: 'max by (service) (process_resident_memory_bytes)', legend: '{{service}}' }],
        },
      ],
    },
  ],
}
