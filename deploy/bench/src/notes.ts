const wakeUps =
  'Three processes and a queue do what one process does there. Counted after ADR 57, a sign-up at 50 a second wakes the gateway 6 times, users 6, the worker 7 and Redis 15 times, and a wake-up costs 110 µs (Redis) to 500 µs, for by then others had the cores and their caches: at 200 a second the same work takes half. Of the profile of each service a fifth to a quarter is writing to sockets, some 100 µs a write; beside that and what Node itself does it is flat, with no line above a twentieth.'
const batches =
  'Tried since this run: delivery events in batches, the life of a code asked behind its fence in one write, an outcome and what is known since in one question (ADR 57): by turns 17.7–20.3 to 11.3–11.5 ms a sign-up, p50 6.6 to 4.3 ms.'

/** Of a target that a run does not meet: what was tried, and what the profile shows. By what the target is about. */
export const notes: Readonly<Record<string, string>> = {
  "sign-up with password at 15/s: p50 below the documents' shape":
    'Twenty-five times would be 11.4 ms, and the hash alone is 11.5 ms of CPU: argon2id (19 MiB, 2, 1) is the least that OWASP names. The reply waits for it, for nothing may be said of a password that is not kept. Tried: a pool of threads as large as the machine has cores, a line to users of its own for calls that hash.',
  "CPU of a sign-up, worker and stores included, against the documents' shape": `${wakeUps} ${batches} Not tried: the SDK on another HTTP client than axios, a box that has not changed not opened twice.`,
  'CPU of a sign-up, worker and stores included, against better-auth with Redis':
    'See there. better-auth keeps a code in Redis and hands its message to the SDK; what the carrier does not take then is lost (row carrier-down).',
  'CPU of an answer below better-auth with Redis':
    'An answer is one transaction of seven statements in turn (both ends, the fence, the lock of the phone, the account, its claims, session with device), each a write and a wake-up in users and in PostgreSQL: under load half of what users does is writing to sockets, a tenth is building SQL. Tried: the key of the signature is read once, statements have names, a session is one statement with its device (ADR 44). The lock cannot be taken in the statement that has to see what it waited for; a BEGIN that nobody waits for could fail and let the next statement commit alone.',
  'CPU of a token check below the best of better-auth':
    "Ours asks users whether the session lives and reads the account: a hop between processes and a select, where better-auth's best believes a signed cookie for five minutes. Tried: what a token says is checked once (ADR 44). A session that is remembered would be good after it has ended.",
  'share of the composite limit: token check':
    'The limit holds the signature, not the question whether the session lives: users and PostgreSQL are half of it. The signature itself is checked once a token (ADR 44).',
  'share of the composite limit: answer':
    'The limit holds one statement; the transaction of an answer has seven (see there), and what it settles behind the reply (the budgets of the phone, the trace) counts too.',
  'share of the composite limit: sign-up': `The limit is the parts at full speed, one after another and nothing between; at 50 a second each of them begins cold. ${wakeUps} ${batches}`,
  'share of the composite limit: sign-up with password':
    'Beside the hash it is a sign-up (see there): 11.5 of 32 ms are the hash.',
  'share of the composite limit: refresh':
    'A refresh is what the limit holds: one call of users and one statement. But the limit is measured at full speed, and at 50 a second every part begins cold: 2.6 ms in the gateway, 2.4 in users. It costs less than either better-auth. Tried: the key of the signature is read once, statements have names, headers are made once (ADR 44).',
  'share of the composite limit: log-in':
    "Two points short: 11.5 of 16 ms are the hash, and what is beside it is a look-up and a transaction of five statements. A third of what the documents' shape takes, a fifth of better-auth.",
  'CPU of the worker a job, with the SDK':
    "The SDK alone, with axios below it and Node's HTTP client below that, is a fifth of the profile; collecting garbage an eighth; what Redis is asked (10.6 commands a message, counted) with BullMQ a fifth, and writing it to sockets a fourteenth; the line in the log a twentieth. Tried: what Redis is asked in one turn goes in one write, challenge and fence are each read in one question, and nothing is written down twice (ADR 55): 1,467, 1,565 and 1,488 to 1,170, 1,757 and 1,189 µs, by turns in one run, the second pair beside much else; before that the message in a challenge checked by a compiled schema (1,660 to 1,420 µs). A larger young generation of the heap (64 MB): about a twentieth less, not taken for its memory. Since this run: delivery events in batches (ADR 57), which beside other work left 837 µs of 893, and 237 of 413 µs of Redis. Not tried: the SDK on another HTTP client than axios.",
  'the same with two workers, against one':
    'Of three runs 1.16 in this one, 1.03 in one before it, 0.98 after ADR 57. There are two cores, and the second worker, the stores and the stand-in of the carrier share them: what is measured here is mostly caches that others used meanwhile.',
  'Redis a pending code':
    'A challenge has values longer than the 64 bytes up to which Redis keeps a hash as a list, so all of it was a table. Since this run the Redis that we bring up, and that of docker-compose.yml, keep hashes with values up to 512 bytes as lists: 1,562 bytes, measured by this row.',
}
