import { type Address, isEmail } from '@latchkey/contracts/address'
import type { Share } from '../jobs/share.js'
import { retryDelayMs } from './retry-schedule.js'
import type { Router } from './router.js'

interface ChannelsNeeds {
  readonly sms: Router
  readonly mail: Router
  /** The slots that mail may take: a mail server that hangs would fill those of SMS. */
  readonly mailShare: Share
}

const isMail = (to: Address | undefined): boolean => to !== undefined && isEmail(to)

/** Phones by the lanes of carriers, e-mails by that of mail. */
export function createChannels({ sms, mail, mailShare }: ChannelsNeeds): Router {
  return {
    async deliver(delivery) {
      if (!isMail(delivery.message.to)) return sms.deliver(delivery)
      const leave = await mailShare.enter()
      if (leave === undefined) return { verdict: 'again', afterMs: retryDelayMs(delivery.starts) }
      return mail.deliver(delivery).finally(leave)
    },
    resolve: (message, closing) => (isMail(message.to) ? mail : sms).resolve(message, closing),
    laneNamed: (name) => sms.laneNamed(name) ?? mail.laneNamed(name),
  }
}
