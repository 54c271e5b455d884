/** Of a target that a run does not meet: what was tried, and what the profile shows. By what the target is about. */
export const notes: Readonly<Record<string, string>> = {
  'CPU of an answer below better-auth with Redis':
    'An answer is one transaction of seven statements in turn (both ends, the fence, the lock of the phone, the account, its claims, session with device), each a write and a wake-up in users and in PostgreSQL: under load half of what users does is writing to sockets, a tenth is building SQL. Tried: the key of the signature is read once, statements have names, a session is one statement with its device (ADR 44). The lock cannot be taken in the statement that has to see what it waited for; a BEGIN that nobody waits for could fail and let the next statement commit alone.',
  'CPU of a token check below the best of better-auth':
    "Ours asks users whether the session lives and reads the account: a hop between processes and a select, where better-auth's best believes a signed cookie for five minutes. Tried: what a token says is checked once (ADR 44). A session that is remembered would be good after it has ended.",
  'share of the composite limit: token check':
    'The limit holds the signature, not the question whether the session lives: users and PostgreSQL are half of it. The signature itself is checked once a token (ADR 44).',
  'share of the composite limit: answer':
    'The limit holds one statement; the transaction of an answer has seven (see there), and what it settles behind the reply (the budgets of the phone, the trace) counts too.',
  'CPU of the worker a job, with the SDK':
    "The SDK alone, with axios below it and Node's HTTP client below that, is a fifth of the profile; collecting garbage an eighth; what Redis is asked (10.6 commands a message, counted) with BullMQ a fifth, and writing it to sockets a fourteenth; the line in the log a twentieth. Tried: what Redis is asked in one turn goes in one write, challenge and fence are each read in one question, and nothing is written down twice (ADR 55): 1,467, 1,565 and 1,488 to 1,170, 1,757 and 1,189 µs, by turns in one run, the second pair beside much else; before that the message in a challenge checked by a compiled schema (1,660 to 1,420 µs). A larger young generation of the heap (64 MB): about a twentieth less, not taken for its memory. Not tried yet: the SDK on another HTTP client than axios, delivery events in batches.",
}
