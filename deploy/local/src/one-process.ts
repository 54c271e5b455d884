import { delimiter, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

// Test files share what they load; tap runs what they describe in their order. (Were they arguments, tap would name its fixtures after all of them.)
for (const file of process.env['TEST_FILES']?.split(delimiter) ?? []) await import(pathToFileURL(resolve(file)).href)
