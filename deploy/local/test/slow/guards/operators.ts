import type { Guard } from '../guards.js'

export const operatorGuards: readonly Guard[] = [
  {
    guards: 'only admins get in where operators do',
    file: 'services/users/src/admins/admins.service.ts',
    take: "if (!isAdmin(person)) throw new AppError('forbidden')",
    put: '',
    test: 'services/users/test/admins.test.ts',
    red: 'an admin is admitted by the session he has, from the moment he is one until he is none',
  },
  {
    guards: 'what an operator does is in the audit',
    file: 'services/users/src/audit/audit.service.ts',
    take: 'await insertEntry(trx, { at: now(), actor, action, target, why, detail })',
    put: '',
    test: 'services/users/test/admins.test.ts',
    red: 'each act is in the audit with its effect, and neither is there without the other',
  },
  {
    guards: 'nobody signs up as an admin, whatever the gateway lets through',
    file: 'services/users/src/people/people.service.ts',
    take: "if (role === adminRole) throw invalidField(path, 'is given by operators only')",
    put: '',
    test: 'services/users/test/admins.test.ts',
    red: 'nobody signs up as an admin, and only who has proved a phone becomes one',
  },
  {
    guards: 'the role of an admin is offered to nobody',
    file: 'services/auth-gateway/src/config.ts',
    take: "list(SIGNUP_ROLES).includes('admin')",
    put: 'list(SIGNUP_ROLES).length === 0',
    test: 'services/auth-gateway/test/config.test.ts',
    red: 'nobody can sign up as an admin',
  },
]
