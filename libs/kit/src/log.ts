import { type Logger, pino } from 'pino'

/** Members that hold secrets wherever they turn up; a second fence, for nothing that logs should hold them at all. */
const secret = [
  'authorization',
  'cookie',
  'password',
  'newPassword',
  'currentPassword',
  'passwordHash',
  'code',
  'otp',
  'phone',
  'to',
  'identifier',
  'email',
  'refreshToken',
  'accessToken',
  'deviceToken',
  'resetToken',
  'undoToken',
  'token',
  'body',
]

/** One JSON line per event. Errors are written as name, message and stack only: libraries hang requests and bodies on them. */
export function createLog(service: string, level: string): Logger {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secret.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    serializers: { err: plainError },
  })
}

function plainError(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return { message: String(thrown) }
  const { name, message, stack, cause } = thrown
  const code = (thrown as { code?: unknown }).code
  return {
    name,
    message,
    stack,
    ...(typeof code === 'string' && { errorCode: code }),
    ...(cause !== undefined && { cause: plainError(cause) }),
  }
}
