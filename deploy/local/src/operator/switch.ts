import { parseArgs } from 'node:util'
import type { LastDay, Switch, SwitchOrder } from '@latchkey/contracts/admin/switches'
import { previewSwitch, putSwitch, readSwitchboard, resumeSwitch } from '@latchkey/contracts/internal/switches'
import {
  guardModes,
  guardRules,
  type SwitchDeed,
  switchDeeds,
  type SwitchTarget,
} from '@latchkey/contracts/switch-record'
import { purposes } from '@latchkey/contracts/v1/shapes'
import { misspelt, print, runCommand } from './command.js'
import { openUsersApi } from './users-api.js'

const usage = `usage: npm run switch -- list
       npm run switch -- pause <lane> | drain <lane> | weight <lane> <0 to 999> | stop <country or purpose>  --for <time> --why <reason>
       npm run switch -- off <rule> | monitor <rule> | enforce <rule>  --for <time> --why <reason>
       npm run switch -- resume <lane, country, purpose, rule or id>  [--why <reason>]
  pause     the lane takes nothing new; messages take other lanes, or wait while their codes live
  drain     the lane takes what was queued before, and nothing after
  weight    another share of its place in SMS_ROUTES; 0 leaves it for last
  stop      no message to the country (IN), or of the purpose (${purposes.join(', ')}), is sent; who asks for one is told
  enforce   what a rule of the guard against pumping (${guardRules.join(', ')}) refuses is refused; monitor: is only counted; off: is not looked at
  resume    ends a switch before its time
  --for     30m, 2h, 3d: it ends by itself, after 30 days at the latest
  --why     your reason, kept with the switch and in the audit
  --preview only tells what it would have been about in the last 24 hours
  --json    for programs
Holds everywhere within 2 seconds, and survives restarts.`

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

await runCommand('switch', async (words) => {
  const { values, positionals } = read(words)
  const [what, name = '', ...more] = positionals
  const json = values.json === true
  const users = openUsersApi()
  const { by } = users
  if (what === 'list' && name === '') {
    const { switches } = await users.call(readSwitchboard, { by })
    return print(switches.length > 0 ? switches.map(line) : ['nothing is switched'], { json, data: switches })
  }
  if (what === 'resume' && name !== '' && more.length === 0) {
    const { switches } = await users.call(readSwitchboard, { by })
    const meant = switches.filter((each) => each.id === name || each.name === name)
    if (meant.length === 0) throw misspelt(`nothing is switched at ${name}: npm run switch -- list`)
    const why = values.why === undefined ? {} : { why: values.why }
    const ended: Switch[] = []
    // One that ended by itself meanwhile is over all the same.
    for (const { id } of meant)
      ended.push(
        (await users.call(resumeSwitch, { by, id, ...why }, { 'not.found': `${name} is on again already` })).switch,
      )
    return print(
      ended.map((each) => `ended: ${line(each)}`),
      { json, data: ended },
    )
  }
  const order = orderOf(what, name, more, values)
  if (values.preview === true) {
    const { lastDay } = await users.call(previewSwitch, { by, order })
    return print([about(order, lastDay), 'nothing was switched'], { json, data: { lastDay } })
  }
  const done = await users.call(putSwitch, { by, order })
  print([line(done.switch), about(order, done.lastDay)], { json, data: done })
})

function read(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: {
        for: { type: 'string' },
        why: { type: 'string' },
        preview: { type: 'boolean' },
        json: { type: 'boolean' },
      },
      allowPositionals: true,
    })
  } catch {
    throw misspelt(usage)
  }
}

function orderOf(
  what: string | undefined,
  name: string,
  more: readonly string[],
  { for: time = '', why = '', preview = false }: { for?: string; why?: string; preview?: boolean },
): SwitchOrder {
  const does = switchDeeds.find((each) => each === what)
  const [, count = '', unit = ''] = /^(\d{1,4})([mhd])$/.exec(preview && time === '' ? '1h' : time) ?? []
  const weight = does === 'weight' ? Number(more[0] ?? Number.NaN) : undefined
  const complete = name !== '' && more.length === (does === 'weight' ? 1 : 0) && !Number.isNaN(weight)
  if (does === undefined || !complete || count === '' || (why === '' && !preview)) throw misspelt(usage)
  return {
    does,
    target: targetOf(does, name),
    name,
    ...(weight !== undefined && { weight }),
    until: new Date(Date.now() + Number(count) * (unitMs[unit] ?? 0)).toISOString(),
    why: why === '' ? 'a preview' : why,
  }
}

function targetOf(does: SwitchDeed, name: string): SwitchTarget {
  if (guardModes.some((mode) => mode === does)) return 'guard'
  if (does !== 'stop') return 'lane'
  return purposes.some((purpose) => purpose === name) ? 'purpose' : 'country'
}

function line({ id, does, target, name, weight, until, who, why }: Switch): string {
  const what = [does, target, name, ...(weight === undefined ? [] : [weight])].join(' ')
  return `${what}  until ${until}  ${who}: ${why}  ${id}`
}

function about({ target, name }: SwitchOrder, lastDay: LastDay | null): string {
  const went = {
    lane: `went through ${name}`,
    country: `to ${name}`,
    purpose: `for ${name}`,
    guard: `were judged by ${name}`,
  }[target]
  if (lastDay === null) return `how many messages of the last 24 hours ${went} could not be counted in time`
  const { messages, verified } = lastDay
  const doubt =
    messages > 0 || target === 'guard'
      ? ''
      : target === 'lane'
        ? ': is it spelled as in SMS_PROVIDERS?'
        : ': is it the right one?'
  return `${messages} messages of the last 24 hours ${went}, ${verified} of their codes were answered${doubt}`
}
