/** The hash in Redis that copies a list of users for those who read it at work: besides these two each field is an entry of the list. */
export const copyFields = {
  /** Of the newest change that is in the copy. */
  version: 'version',
  /** `1` once everything users knows is in it: a copy without it was lost and is being written anew. */
  complete: 'complete',
} as const
