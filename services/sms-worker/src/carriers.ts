import { messageCentralCarrier } from './providers/message-central.js'
import type { Carrier } from './providers/provider.js'
import { twilioCarrier } from './providers/twilio.js'

/** Every carrier there is, in the order in which they are tried where nothing else is said. */
export const carriers: readonly Carrier[] = [twilioCarrier, messageCentralCarrier]
