import { careops } from './careops.js'
import type { Face } from './face.js'
import { jodimilan } from './jodimilan.js'
import { rently } from './rently.js'
import { staged } from './staged.js'
import { usersApi } from './users-api.js'

export const faces: readonly Face[] = [staged, careops, jodimilan, rently, usersApi]
