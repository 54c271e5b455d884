/** One line, or one set of lines, in a panel. */
export interface Query {
  readonly expr: string
  /** What a line is called, with `{{label}}`; without it Grafana names it by its labels. */
  readonly legend?: string
}

export interface Panel {
  readonly title: string
  /** What somebody should know who looks at it. */
  readonly about?: string
  readonly unit: 's' | 'reqps' | 'percentunit' | 'short' | 'bytes' | 'none'
  readonly queries: readonly Query[]
  /** Drawn as one number instead of lines. */
  readonly stat?: boolean
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly rows: readonly Row[]
}

const width = 24
const height = 8
const datasource = { type: 'prometheus', uid: 'prometheus' }

/** A dashboard as Grafana reads it: rows from top to bottom, panels side by side. */
export function dashboardJson({ uid, title, rows }: Dashboard): string {
  let y = 0
  let id = 0
  const panels = rows.flatMap((row) => {
    const head = { id: ++id, type: 'row', title: row.title, collapsed: false, panels: [], gridPos: at(0, y, width, 1) }
    y += 1
    const perLine = Math.min(row.panels.length, 3)
    const each = Math.floor(width / perLine)
    const drawn = row.panels.map((panel, n) => {
      const line = Math.floor(n / perLine)
      return drawPanel(panel, ++id, at((n % perLine) * each, y + line * height, each, height))
    })
    y += Math.ceil(row.panels.length / perLine) * height
    return [head, ...drawn]
  })
  const dashboard = {
    uid,
    title,
    tags: ['latchkey'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    timezone: 'utc',
    templating: { list: [] },
    annotations: { list: [] },
    panels,
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

const at = (x: number, y: number, w: number, h: number) => ({ x, y, w, h })

function drawPanel({ title, about, unit, queries, stat = false }: Panel, id: number, gridPos: object) {
  return {
    id,
    type: stat ? 'stat' : 'timeseries',
    title,
    ...(about !== undefined && { description: about }),
    datasource,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, ...(!stat && { custom: { fillOpacity: 10 } }) }, overrides: [] },
    options: stat
      ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } }
      : { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(({ expr, legend }, n) => ({
      refId: String.fromCodePoint(65 + n),
      datasource,
      expr,
      ...(legend !== undefined && { legendFormat: legend }),
    })),
  }
}

/** How long all but one in so many take, of a histogram. */
export const quantile = (q: number, histogram: string, by: string, where = ''): string =>
  `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${histogram}_bucket${where}[5m])))`

/** Times of a histogram as most see them and as the unlucky see them. */
export const times = (histogram: string, where = ''): Query[] =>
  [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, histogram, '', where), legend: `p${q * 100}` }))
