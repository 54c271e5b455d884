import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from './checkout.js'
import { generated } from './generated.js'

// `npm run docs`
for (const [file, text] of generated()) writeFileSync(join(checkout, file), text)
