/** Who may import whom: the table of docs/architecture.md, as patterns over paths (see `Import.target`). */
export interface Rule {
  readonly name: string
  /** Shown with every breach. */
  readonly because: string
  /** The files it is about; `$1` in the other patterns stands for its first group. */
  readonly from: string
  readonly except?: string
  /** Where given, everything else is refused. */
  readonly may?: readonly string[]
  /** Allowed as types only. */
  readonly mayKnow?: readonly string[]
  readonly never?: readonly string[]
  /** Narrows the rule to imports of values with such a name. */
  readonly named?: string
}

const gateway = '^services/auth-gateway/src'
const worker = '^services/sms-worker/src'
const users = '^services/users/src'
const npm = '^npm:'
const node = '^node:'
const contracts = '^libs/contracts/src/'
const kit = '^libs/kit/src/'
/** Whatever opens a connection: the far side of a port. */
const infrastructure = '(?:ioredis|bullmq|undici|pg|kysely|twilio)$'

export const rules: readonly Rule[] = [
  {
    name: 'contracts-only-describe',
    because: 'descriptions run in browsers and in every service: typebox is all they may need',
    from: contracts,
    may: [contracts, '^npm:typebox$'],
  },
  {
    name: 'kit-knows-no-domain',
    because: 'kit is how a process lives; of the contracts it needs how endpoints, errors and queues are described',
    from: kit,
    may: [kit, `${contracts}(?:errors|endpoint|queues/queue)\\.ts$`, npm, node],
  },
  {
    name: 'clients-speak-the-public-contract',
    because: 'what is published or runs in a browser knows only what callers may know',
    from: '^(?:libs/client|services/web)/src/',
    may: [
      '^libs/client/src/',
      '^services/web/src/',
      `${contracts}(?:endpoint|errors|v1/.*|admin/.*|dev/.*)\\.ts$`,
      npm,
      node,
    ],
  },
  {
    name: 'services-stand-apart',
    because: 'services meet over HTTP and queues; an import would make two of them one',
    from: '^services/([^/]+)/src/',
    except: '^services/web/',
    may: ['^services/$1/src/', contracts, kit, npm, node],
  },
  {
    name: 'services-are-processes',
    because: 'tests and tools outside a service call it as production does: as a process',
    from: '^(?:libs|deploy|\\.ci)/|^services/([^/]+)/test/',
    never: ['^services/(?!$1/)'],
  },
  {
    name: 'http-only-translates',
    because: 'a route turns requests into flows: it sees no store, client, queue or Redis',
    from: `${gateway}/http/`,
    may: [
      `${gateway}/http/`,
      `${contracts}(?!queues/|internal/|challenge-record|inbox-record)`,
      `${kit}(?!redis|queue|seal)`,
      `^npm:(?!${infrastructure})`,
      node,
    ],
    mayKnow: [`${gateway}/flows/`, `${gateway}/access-token\\.ts$`],
  },
  {
    name: 'dialects-stand-apart',
    because: 'a dialect is deleted or changed without a look at another face',
    from: `${gateway}/http/dialects/([^/]+)/`,
    never: [`${gateway}/http/(?!dialects/$1/)`],
  },
  {
    name: 'dialects-need-little',
    because: 'a dialect describes calls, words refusals and asks flows: it logs, reads and keeps nothing',
    from: `${gateway}/http/dialects/([^/]+)/`,
    may: [
      `${gateway}/http/`,
      `${contracts}(?:errors|endpoint|phone|v1/shapes)\\.ts$`,
      `${kit}(?:app-error|mount|voice)\\.ts$`,
      '^npm:(?:fastify|typebox)$',
      '^node:(?:crypto|buffer)$',
    ],
    mayKnow: [`${gateway}/flows/`],
  },
  {
    name: 'flows-know-ports',
    because: 'a flow is the whole of what a person can do, whatever stands behind its ports and whoever calls it',
    from: `${gateway}/flows/`,
    may: [
      `${gateway}/flows/`,
      `${contracts}(?!queues/)`,
      `${kit}app-error\\.ts$`,
      `^npm:(?!@?fastify|${infrastructure})`,
      node,
    ],
    mayKnow: [`${gateway}/(?!http/)`],
  },
  {
    name: 'providers-stand-apart',
    because:
      'a provider knows its port and its vendor: not where messages come from, what they say or who else could send them',
    from: `${worker}/providers/([a-z]+)`,
    may: [
      `${worker}/providers/(?:provider|$1)`,
      `${contracts}(?!queues/|challenge-record)`,
      `${kit}(?!queue)`,
      '^npm:(?!bullmq$)',
      node,
    ],
  },
  {
    name: 'features-meet-at-services',
    because: "tables and repositories are a feature's own; others ask its service",
    from: `${users}/(?!migrations/)([^/]+)/`,
    may: [`${users}/$1/`, `${users}/database\\.ts$`, `${users}/[^/]+/[^/]+\\.service\\.ts$`, contracts, kit, npm, node],
  },
  {
    name: 'environment-in-main',
    because: 'what a module needs is handed to it; only main.ts reads the environment',
    from: '^(?:libs|services)/',
    except: '^services/[^/]+/src/main\\.ts$|^libs/kit/src/testing\\.ts$',
    never: ['^process\\.env$'],
  },
  {
    name: 'implementations-in-deps',
    because: 'which implementation stands behind a port is decided in one file per service',
    from: '^services/[^/]+/src/',
    except: '/src/(?:deps|main)\\.ts$',
    never: ['^services/', `${kit}redis\\.ts$`],
    named: '^create[A-Z]',
  },
]
