import type { Dashboard } from './panels.js'

/** Does somebody guess, pump, or bring back what was used. */
export const abuseDashboard: Dashboard = {
  uid: 'latchkey-abuse',
  title: 'Latchkey · abuse',
  rows: [
    {
      title: 'Messages anybody can ask for',
      panels: [
        {
          title: 'Answered, of those that went',
          about: 'It falls before the bill rises.',
          unit: 'percentunit',
          queries: [
            {
              expr: 'sum(increase(latchkey_sends_for_anybody_answered_total[1h])) / sum(increase(latchkey_sends_for_anybody_total[1h]))',
            },
          ],
        },
        {
          title: 'Refused a second, by rule',
          unit: 'reqps',
          queries: [
            { expr: 'sum by (rule, mode) (rate(latchkey_sends_refused_total[5m]))', legend: '{{rule}} ({{mode}})' },
          ],
        },
        {
          title: 'Of the day’s money',
          unit: 'percentunit',
          queries: [
            { expr: 'max by (currency) (latchkey_day_budget_spent / latchkey_day_budget)', legend: '{{currency}}' },
          ],
        },
      ],
    },
    {
      title: 'Codes and guesses',
      panels: [
        {
          title: 'Challenges a second',
          unit: 'reqps',
          queries: [
            {
              expr: 'sum by (face, purpose, verdict) (rate(latchkey_challenges_asked_total[5m]))',
              legend: '{{face}} {{purpose}}: {{verdict}}',
            },
          ],
        },
        {
          title: 'Answers a second',
          unit: 'reqps',
          queries: [{ expr: 'sum by (verdict) (rate(latchkey_answers_total[5m]))', legend: '{{verdict}}' }],
        },
        {
          title: 'Guesses that were not looked at, a second',
          unit: 'reqps',
          queries: [{ expr: 'sum by (budget) (rate(latchkey_guesses_refused_total[5m]))', legend: '{{budget}}' }],
        },
      ],
    },
    {
      title: 'At the edge',
      panels: [
        {
          title: '4xx a second, by face',
          unit: 'reqps',
          queries: [
            {
              expr: 'sum by (face, status) (face:latchkey_http_requests:rate5m{status=~"4.."})',
              legend: '{{face}} {{status}}',
            },
          ],
        },
        {
          title: 'Used codes that came back',
          about: '`forgot`: Redis went back in time.',
          unit: 'short',
          queries: [{ expr: 'sum by (redis) (increase(latchkey_used_codes_fenced_total[1h]))', legend: '{{redis}}' }],
        },
        {
          title: 'Calls in a carrier’s name that were not believed',
          unit: 'reqps',
          queries: [
            {
              expr: 'sum by (provider, why) (rate(latchkey_carrier_calls_refused_total[5m]))',
              legend: '{{provider}}: {{why}}',
            },
          ],
        },
      ],
    },
  ],
}
