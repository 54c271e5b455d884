import { smsClasses, smsJobId, type smsQueue } from '@latchkey/contracts/queues/sms'
import type { Producer } from '@latchkey/kit/queue'
import type { SmsQueue } from './flows/ports.js'

/** References to messages, by class, under their own ids: adding one twice sends it once. */
export function createSmsQueue(producer: Producer<typeof smsQueue.payload>): SmsQueue {
  return {
    async send({ messageId, challengeId, generation, purpose, expiresAt, country }, { requestId }) {
      const job = {
        v: 1 as const,
        messageId,
        challengeId,
        generation,
        purpose,
        country,
        requestId,
        notAfter: expiresAt.toISOString(),
      }
      await producer.add(smsJobId(messageId), job, { priority: smsClasses[purpose] })
    },
    has: (messageId) => producer.has(smsJobId(messageId)),
  }
}
