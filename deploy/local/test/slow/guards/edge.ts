import type { Guard } from '../guards.js'

const walk = 'deploy/local/test/slow/routes.test.ts'
const bodies = 'every route of every face > whatever is wrong with a body is refused as the face documents it'

const pages = 'services/auth-gateway/test/pages.test.ts'

export const edgeGuards: readonly Guard[] = [
  {
    guards: 'a hosted page runs, shows and calls what is ours, and nothing else',
    file: 'services/auth-gateway/src/http/pages.ts',
    take: "\"default-src 'none'; script-src 'self';",
    put: "\"script-src 'self' 'unsafe-inline';",
    test: pages,
    red: 'every page may run, show and call what is ours, and nothing else; it is never kept',
  },
  {
    guards: 'what a hosted page is told is text to it',
    file: 'services/auth-gateway/src/http/pages.ts',
    take: 'escape(JSON.stringify(told))',
    put: 'JSON.stringify(told)',
    test: pages,
    red: 'what the page is told is text to it, whatever the brand is called',
  },
  {
    guards: 'a body of a type that nobody reads is refused as that',
    file: 'libs/kit/src/http.ts',
    take: "else done(new AppError('request.media_type'), undefined)",
    put: 'else done(null, body)',
    test: walk,
    red: bodies,
  },
  {
    guards: 'no body has a prototype',
    file: 'libs/kit/src/http.ts',
    take: "app.getDefaultJsonParser('error', 'error')",
    put: "app.getDefaultJsonParser('ignore', 'ignore')",
    test: walk,
    red: bodies,
  },
  {
    guards: 'nothing nests deeper than anybody looks',
    file: 'services/auth-gateway/src/flows/accounts.ts',
    take: 'if (depth > deepestProfile)',
    put: 'if (depth > deepestProfile * 1_000)',
    test: walk,
    red: bodies,
  },
  {
    guards: 'no body of /v1 has a field that is not known',
    file: 'libs/contracts/src/v1/shapes.ts',
    take: 'Type.Object(properties, { additionalProperties: false })',
    put: 'Type.Object(properties)',
    test: walk,
    red: bodies,
  },
  {
    guards: 'what is no code opens no decoy',
    file: 'services/auth-gateway/src/flows/answer-by-address.ts',
    take: 'const code = readCode(answer.code)',
    put: 'const { code } = answer',
    test: walk,
    red: 'every route of every face > what is no code opens no decoy, and is counted by nobody',
  },
  {
    guards: 'whoever tries tokens of operators is counted',
    file: 'services/auth-gateway/src/http/admin/admin.ts',
    take: "app.addHook('preParsing'",
    put: "app.addHook('onRequest'",
    test: 'services/auth-gateway/test/sixth-dialect.test.ts',
    red: 'calls of operators are counted for their address before their token is looked at',
  },
  {
    guards: 'a query with half an escape is nobody’s address',
    file: 'libs/kit/src/http.ts',
    take: "decodeURIComponent(url.slice(url.indexOf('?') + 1))",
    put: "url.slice(url.indexOf('?') + 1)",
    test: 'libs/kit/test/http.test.ts',
    red: 'a query that is half an escape is refused where somebody reads it, and nobody’s matter elsewhere',
  },
  {
    guards: 'a request that names no host is refused by us, in our shape',
    file: 'libs/kit/src/http.ts',
    take: "headers.host === undefined && raw.httpVersion === '1.1'",
    put: "headers.host === ''",
    test: 'libs/kit/test/http.test.ts',
    red: 'a request that names no host is refused in the shape of every refusal',
  },
]
