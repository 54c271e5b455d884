import type { Queue } from 'bullmq'

/** Brings a job that waits back to the head of its class; one that is back already is left alone. Whether there is anything to bring back: throws where nobody can say. */
export type BringBack = (jobId: string) => Promise<boolean>

export function createBringBack(queue: Queue): BringBack {
  return async (jobId) => {
    const job = await queue.getJob(jobId)
    if (job === undefined) return false
    const waited = await job.promote().then(
      () => true,
      async (error: unknown) => {
        if (await job.isDelayed()) throw error
        return false
      },
    )
    if (waited) await job.changePriority({ priority: job.priority, lifo: true })
    return waited || job.finishedOn === undefined
  }
}
