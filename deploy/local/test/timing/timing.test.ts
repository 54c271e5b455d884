import t from 'tap'
import { askByTurns } from './by-turns.js'

t.test('nobody learns by the clock who exists', (t) => askByTurns(t))
