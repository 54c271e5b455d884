import AjvCompiler from '@fastify/ajv-compiler'
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'

type Factories = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>
type BuildValidator = AjvCompiler.BuildCompilerFromPool
type BuildSerializer = NonNullable<Factories['buildSerializer']>

/** What Fastify asks of a compiled schema. */
interface Check {
  (data: unknown): boolean
  errors?: unknown
}

/**
 * What compiles the schemas of a route when the first request comes to it, a few milliseconds, and not all of all faces at start: that is
 * half a second of CPU before a replica is of any help.
 */
export const lateCompilers: Factories = {
  buildValidator: (...options: Parameters<BuildValidator>) => {
    const compile = AjvCompiler()(...options) as (route: unknown) => Check
    const later = (route: unknown): Check => {
      let check: Check | undefined
      const late: Check = (data) => {
        check ??= compile(route)
        const good = check(data)
        // Where Fastify finds what is wrong.
        late.errors = check.errors
        return good
      }
      return late
    }
    // Fastify asks less of it than it declares.
    return later as unknown as ReturnType<BuildValidator>
  },
  buildSerializer: (...options: Parameters<BuildSerializer>) => {
    const compile = SerializerSelector()(...options)
    return (route) => {
      let write: ReturnType<typeof compile> | undefined
      return (answer) => (write ??= compile(route))(answer)
    }
  },
}
