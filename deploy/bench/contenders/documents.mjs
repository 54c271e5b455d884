// The shape that the documents of our dialects describe: one Express process, PostgreSQL through pg, bcrypt at cost 10, a
// 6-digit code in a row beside the account, an HS256 token for seven days, and the carrier's SDK awaited in the request.
import { createServer } from 'node:http'
import { randomInt } from 'node:crypto'
import bcrypt from 'bcrypt'
import express from 'express'
import jwt from 'jsonwebtoken'
import pg from 'pg'
import { sendCode } from './carrier.mjs'

const { PORT, DATABASE_URL, JWT_SECRET } = process.env
const codeLifeMs = 10 * 60_000
const attemptsMax = 3

const db = new pg.Pool({ connectionString: DATABASE_URL, max: 20 })
await db.query(`create table if not exists users (
  id serial primary key, name text, email text unique, phone text unique, password text,
  is_phone_verified boolean not null default false,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now())`)
await db.query(`create table if not exists phone_otps (
  id serial primary key, user_id integer not null references users on delete cascade, code text not null,
  attempts integer not null default 0, expires_at timestamptz not null, created_at timestamptz not null default now())`)
await db.query('create index if not exists phone_otps_user on phone_otps (user_id)')

const app = express()
app.use(express.json())

const tokenFor = ({ id, phone }) => jwt.sign({ userId: id, phone }, JWT_SECRET, { expiresIn: '7d' })
const shown = ({ id, name, email, phone, is_phone_verified }) => ({ id, name, email, phone, is_phone_verified })
const byPhone = async (phone) => (await db.query('select * from users where phone = $1', [phone])).rows[0]

async function send({ id, phone }) {
  const code = String(randomInt(1_000_000)).padStart(6, '0')
  await db.query('delete from phone_otps where user_id = $1', [id])
  await db.query('insert into phone_otps (user_id, code, expires_at) values ($1, $2, $3)', [
    id,
    code,
    new Date(Date.now() + codeLifeMs),
  ])
  await sendCode(phone, code)
}

app.get('/ready', (_request, response) => response.json({ ok: true }))

app.post('/api/auth/signup', async (request, response) => {
  const { phone, name, email, password } = request.body
  if ((await byPhone(phone)) !== undefined) return response.status(400).json({ message: 'User already exists' })
  const hash = password === undefined ? null : await bcrypt.hash(password, 10)
  const { rows } = await db.query(
    'insert into users (name, email, phone, password) values ($1, $2, $3, $4) returning *',
    [name, email, phone, hash],
  )
  await send(rows[0])
  return response.status(201).json({ message: 'OTP sent to your phone', user_id: rows[0].id, phone, otpSent: true })
})

app.post('/api/auth/resend/otp', async (request, response) => {
  const user = await byPhone(request.body.phone)
  if (user === undefined) return response.status(404).json({ message: 'User not found' })
  await send(user)
  return response.json({ success: true, message: 'OTP resent successfully' })
})

app.post('/api/auth/verify-otp', async (request, response) => {
  const { phone, otp } = request.body
  const user = await byPhone(phone)
  if (user === undefined) return response.status(404).json({ message: 'User not found' })
  const { rows } = await db.query('select * from phone_otps where user_id = $1', [user.id])
  const [found] = rows
  if (found === undefined || found.expires_at < new Date() || found.attempts >= attemptsMax)
    return response.status(400).json({ message: 'OTP expired' })
  if (found.code !== otp) {
    await db.query('update phone_otps set attempts = attempts + 1 where id = $1', [found.id])
    return response.status(400).json({ message: 'Invalid OTP' })
  }
  await db.query('delete from phone_otps where id = $1', [found.id])
  const { rows: updated } = await db.query(
    'update users set is_phone_verified = true, updated_at = now() where id = $1 returning *',
    [user.id],
  )
  return response.json({ success: true, user: shown(updated[0]), access_token: tokenFor(user) })
})

app.post('/api/auth/login', async (request, response) => {
  const { phone, password } = request.body
  const user = await byPhone(phone)
  if (!user?.password || !(await bcrypt.compare(password, user.password)))
    return response.status(401).json({ message: 'Invalid credentials' })
  if (!user.is_phone_verified) return response.status(403).json({ message: 'Account not verified' })
  return response.json({ success: true, user: shown(user), access_token: tokenFor(user), token_type: 'Bearer' })
})

app.get('/api/users/me', async (request, response) => {
  let claims
  try {
    claims = jwt.verify((request.headers.authorization ?? '').replace(/^Bearer /, ''), JWT_SECRET)
  } catch {
    return response.status(401).json({ message: 'Invalid token' })
  }
  const { rows } = await db.query('select * from users where id = $1', [claims.userId])
  return response.json({ user: shown(rows[0]) })
})

app.use((error, _request, response, _next) => response.status(500).json({ message: error.message }))

createServer(app).listen(Number(PORT), '127.0.0.1')
