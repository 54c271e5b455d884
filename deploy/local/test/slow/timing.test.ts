import t from 'tap'
import { askByTurns } from '../timing/by-turns.js'

// The calls that do most, or did not do the same once; `npm run test:timing` has all of every face.
t.test('nobody learns by the clock who exists, from the calls that do most', (t) =>
  askByTurns(t, ['/v1: log in by password', '/v1: a code to log in by', '/v1: answer what was sent for the e-mail']),
)
