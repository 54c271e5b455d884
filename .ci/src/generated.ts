import { abuseDashboard } from './dashboards/abuse.js'
import { deliveryDashboard } from './dashboards/delivery.js'
import { type Dashboard, dashboardJson } from './dashboards/panels.js'
import { serviceDashboard } from './dashboards/service.js'
import { errorsDocument } from './errors-document.js'
import { metricsDocument } from './metrics.js'
import { variablesDocument } from './variables-document.js'

export const dashboards: readonly Dashboard[] = [serviceDashboard, deliveryDashboard, abuseDashboard]

const dashboardFile = ({ uid }: Dashboard) => `deploy/observability/grafana/dashboards/${uid}.json`

/** Every file that is written by `npm run docs`, with what it must say. */
export const generated = (): ReadonlyMap<string, string> =>
  new Map([
    ['docs/errors.md', errorsDocument()],
    ['docs/metrics.md', metricsDocument()],
    ['docs/variables.md', variablesDocument()],
    ...dashboards.map((dashboard) => [dashboardFile(dashboard), dashboardJson(dashboard)] as const),
  ])
