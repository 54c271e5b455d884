import { type Dashboard, quantile, times } from './panels.js'

/** Does a code leave, does it arrive, and what does it cost. */
export const deliveryDashboard: Dashboard = {
  uid: 'latchkey-delivery',
  title: 'Latchkey · delivery',
  rows: [
    {
      title: 'The queue',
      panels: [
        {
          title: 'Oldest code that waits',
          about: 'Above 30 s codes begin to be dropped. This is what workers are scaled on.',
          unit: 's',
          queries: [
            { expr: 'max(latchkey_oldest_code_job_seconds)', legend: 'any' },
            { expr: 'max by (class) (latchkey_oldest_job_seconds)', legend: '{{class}}' },
          ],
        },
        {
          title: 'Oldest code between two tries',
          unit: 's',
          queries: [{ expr: 'max(latchkey_oldest_retrying_code_job_seconds)' }],
        },
        {
          title: 'Jobs',
          about: '`failed` are dead letters.',
          unit: 'short',
          queries: [
            { expr: 'max by (state) (latchkey_code_jobs{state!="completed"})', legend: 'codes: {{state}}' },
            { expr: 'max by (state) (latchkey_event_jobs{state!="completed"})', legend: 'events: {{state}}' },
          ],
        },
        { title: 'Oldest delivery event', unit: 's', queries: [{ expr: 'max(latchkey_oldest_event_seconds)' }] },
        {
          title: 'In the waiting room, by the lanes of their route',
          unit: 'short',
          queries: [{ expr: 'max by (lanes) (latchkey_waiting_room)', legend: '{{lanes}}' }],
        },
      ],
    },
    {
      title: 'From the request to the right answer',
      panels: [
        { title: 'Queue to the carrier’s yes', unit: 's', queries: times('latchkey_queue_to_accept_seconds') },
        { title: 'Request to the right answer', unit: 's', queries: times('latchkey_asked_to_verified_seconds') },
        {
          title: 'Half are answered within, by purpose',
          unit: 's',
          queries: [{ expr: quantile(0.5, 'latchkey_asked_to_verified_seconds', 'purpose'), legend: '{{purpose}}' }],
        },
      ],
    },
    {
      title: 'Carriers',
      panels: [
        {
          title: 'Calls a second, by what they came to',
          unit: 'reqps',
          queries: [
            {
              expr: 'sum by (provider, outcome) (rate(latchkey_sms_attempts_total[5m]))',
              legend: '{{provider}}: {{outcome}}',
            },
          ],
        },
        {
          title: 'Lanes that are out',
          unit: 'short',
          queries: [{ expr: 'sum by (lane, why) (latchkey_lane_out)', legend: '{{lane}}: {{why}}' }],
        },
        {
          title: 'Messages that wait for a pace',
          unit: 'short',
          queries: [{ expr: 'sum by (lane) (latchkey_lane_waiting)', legend: '{{lane}}' }],
        },
        {
          title: 'How messages end, a second',
          unit: 'reqps',
          queries: [{ expr: 'sum by (state) (rate(latchkey_messages_ended_total[5m]))', legend: '{{state}}' }],
        },
        {
          title: 'Receipts a second',
          unit: 'reqps',
          queries: [
            { expr: 'sum by (provider, state) (rate(latchkey_receipts_total[5m]))', legend: '{{provider}}: {{state}}' },
            {
              expr: 'sum by (provider, why) (rate(latchkey_carrier_calls_refused_total[5m]))',
              legend: '{{provider}}, not believed: {{why}}',
            },
          ],
        },
        {
          title: 'Messages people text us, a second',
          unit: 'reqps',
          queries: [{ expr: 'sum by (word) (rate(latchkey_inbound_messages_total[5m]))', legend: '{{word}}' }],
        },
      ],
    },
    {
      title: 'Today (UTC)',
      panels: [
        {
          title: 'Answered, of what carriers took',
          unit: 'percentunit',
          queries: [
            {
              expr: 'max by (provider, country) (latchkey_today_sms_verified) / max by (provider, country) (latchkey_today_sms_sent)',
              legend: '{{provider}} {{country}}',
            },
          ],
        },
        {
          title: 'Delivered, of what carriers took',
          unit: 'percentunit',
          queries: [
            {
              expr: 'max by (provider, country) (latchkey_today_sms_delivered) / max by (provider, country) (latchkey_today_sms_sent)',
              legend: '{{provider}} {{country}}',
            },
          ],
        },
        {
          title: 'From the carrier’s yes to the right answer, median',
          unit: 's',
          queries: [
            {
              expr: 'max by (provider, country) (latchkey_today_sms_median_seconds_to_verified)',
              legend: '{{provider}} {{country}}',
            },
          ],
        },
        {
          title: 'Cost',
          unit: 'short',
          queries: [
            {
              expr: 'sum by (provider, currency) (max by (provider, country, currency) (latchkey_today_sms_cost))',
              legend: '{{provider}}, {{currency}}',
            },
          ],
        },
        {
          title: 'Switches that are on',
          unit: 'short',
          queries: [
            { expr: 'count by (does, target, name) (latchkey_switched)', legend: '{{does}} {{target}} {{name}}' },
          ],
        },
        {
          title: 'What the trace will not tell of',
          unit: 'short',
          queries: [{ expr: 'sum(increase(latchkey_trace_dropped_total[1h]))' }],
        },
      ],
    },
  ],
}
