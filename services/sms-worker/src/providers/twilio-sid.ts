/** Whether a text looks like the id of a message of Twilio's; anything else is something we do not understand. */
export const isSid = (text: string): boolean => /^(SM|MM)[0-9a-f]{32}$/.test(text)
