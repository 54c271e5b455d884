import type { FastifyInstance } from 'fastify'
import type { FaceOptions } from '../flows/face.js'
import type { MountedDialect } from './dialects.js'
import { docs } from './plugins/docs.js'

/** Serves a dialect under its name, with its own documentation, and its `/api` at the root too where the operator wants its documented addresses. */
export async function mountDialect(
  app: FastifyInstance,
  { name, title, policy, createVoice, routes, root }: MountedDialect,
  needs: Omit<FaceOptions, 'face' | 'policy'>,
): Promise<void> {
  const options: FaceOptions = { ...needs, face: name, policy }
  const voice = createVoice(policy)
  app.speak(`/${name}`, voice)
  await app.register(
    async (scope) => {
      await scope.register(docs, { title, description: `${title}, spoken by Latchkey. /docs has the other faces.` })
      await scope.register(routes, options)
    },
    { prefix: `/${name}` },
  )
  if (!root) return
  app.speak('/api', voice)
  await app.register(routes, options)
}
