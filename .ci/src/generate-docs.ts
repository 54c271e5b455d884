import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from './checkout.js'
import { errorsDocument } from './errors-document.js'

// `npm run docs`
writeFileSync(join(checkout, 'docs/errors.md'), errorsDocument())
