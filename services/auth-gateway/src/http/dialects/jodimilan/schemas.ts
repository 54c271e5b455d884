import { endpoint } from '@latchkey/contracts/endpoint'
import { type TObject, Type } from 'typebox'

const Text = (longest: number, example: string) =>
  Type.String({ minLength: 1, maxLength: longest, examples: [example] })
/** A text that is more than blanks. */
const Word = (longest: number, example: string) =>
  Type.String({ pattern: '\\S', maxLength: longest, examples: [example] })
const Id = Type.Integer({ minimum: 1, maximum: 2_147_483_647, examples: [1] })
const DialingCode = Type.String({ pattern: '^\\+?[1-9]\\d{0,2}$', examples: ['91'] })
const Phone = Text(40, '9876543210')
const Password = Text(1_024, 'SecurePassword123!')
const Otp = Text(16, '492817')

/** Every answer of this API; `code` is the HTTP status. */
const Envelope = <T extends TObject>(status: number, data: T) =>
  Type.Object({ code: Type.Literal(status), success: Type.Literal(true), message: Type.String(), data })

const session = {
  user: Type.String({
    description: 'Base64 of iv (12 bytes), tag (16 bytes) and the AES-256-GCM of the user as JSON.',
  }),
  user_id: Type.Integer(),
  access_token: Type.String(),
  expires_at: Type.String({ format: 'date-time' }),
}
const LoggedIn = Envelope(200, Type.Object({ ...session, token_type: Type.Literal('Bearer') }))

export const signup = endpoint({
  method: 'POST',
  path: '/api/auth/signup',
  summary: 'Register a user and send a code',
  body: Type.Object({
    name: Word(100, 'John'),
    last_name: Word(100, 'Doe'),
    email: Text(254, 'john@example.com'),
    phone: Phone,
    dialing_code: DialingCode,
    password: Password,
    gender: Word(50, 'Male'),
    dob: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', examples: ['1990-01-01'] }),
    profile_by: Word(50, 'Self'),
    mat_status: Word(50, 'Unmarried'),
    religion: Id,
    caste: Id,
    country: Id,
    state: Id,
  }),
  replies: {
    201: Envelope(201, Type.Object({ user_id: Type.Integer(), email: Type.String(), phone: Type.String() })),
  },
  fails: ['request.invalid', 'password.weak', 'account.exists', 'rate.limited', 'unavailable'],
})

export const verifyOtp = endpoint({
  method: 'POST',
  path: '/api/auth/verify-otp',
  summary: 'Verify the phone by the code from the SMS, and log in',
  body: Type.Object({ phone: Phone, dialing_code: DialingCode, otp: Otp }),
  replies: { 200: Envelope(200, Type.Object({ message: Type.String(), ...session })) },
  fails: [
    'request.invalid',
    'challenge.wrong',
    'challenge.gone',
    'challenge.exhausted',
    'account.exists',
    'rate.limited',
    'unavailable',
  ],
})

export const login = endpoint({
  method: 'POST',
  path: '/api/auth/login',
  summary: 'Log in by e-mail, phone or RYT id, and password',
  body: Type.Object({
    email: Type.String({
      minLength: 1,
      maxLength: 254,
      description: 'E-mail, phone or RYT id.',
      examples: ['9876543210'],
    }),
    password: Password,
    dialing_code: Type.Optional(DialingCode),
  }),
  replies: { 200: LoggedIn },
  fails: [
    'request.invalid',
    'credentials.wrong',
    'account.unverified',
    'account.disabled',
    'account.second_factor',
    'rate.limited',
    'unavailable',
  ],
})

export const resendOtp = endpoint({
  method: 'POST',
  path: '/api/auth/resend/otp',
  summary: 'Send the code again; a verified account gets one to log in by',
  body: Type.Object({ phone: Phone, dialing_code: DialingCode }),
  replies: {
    200: Envelope(200, Type.Object({ otp: Type.Optional(Type.String({ description: 'In development, on demand.' })) })),
  },
  fails: ['request.invalid', 'challenge.resends_spent', 'rate.limited', 'unavailable'],
})

export const otpLogin = endpoint({
  method: 'POST',
  path: '/api/auth/otp/login',
  summary: 'Log in by the code from the SMS',
  body: Type.Object({ phone: Phone, dialing_code: DialingCode, otp: Otp }),
  replies: { 200: LoggedIn },
  fails: [
    'request.invalid',
    'challenge.wrong',
    'challenge.gone',
    'challenge.exhausted',
    'account.disabled',
    'rate.limited',
    'unavailable',
  ],
})
