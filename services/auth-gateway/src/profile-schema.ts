import { refusedFields } from '@latchkey/kit/http'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { CheckProfile } from './flows/ports.js'

/**
 * The check that an operator's JSON Schema (2020-12) makes of profiles. Throws where the text is no schema: what is misspelt in
 * it would otherwise check nothing.
 */
export function createCheckProfile(schemaText: string | undefined): CheckProfile {
  if (schemaText === undefined) return () => undefined
  const schema = readSchema(schemaText)
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
  addFormats.default(ajv)
  const isValid = ajv.compile(schema)
  return function checkProfile(profile) {
    if (!isValid(profile)) throw refusedFields(isValid.errors ?? [], 'profile')
  }
}

function readSchema(text: string): Record<string, unknown> {
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch {
    throw new Error('it is no JSON')
  }
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) throw new Error('it is no JSON object')
  if ('$async' in schema) throw new Error('`$async` is not spoken here')
  return { ...schema }
}
