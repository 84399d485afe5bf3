import { setTimeout as sleep } from 'node:timers/promises'

const turnsOfLoop = 20

/**
 * Waits so long, in many turns of the event loop: what a test has sent by then has reached a server in the same process, also where the
 * machine stands still in one of them. One long wait may be over before what came meanwhile is looked at.
 */
export const turns = async (ms: number): Promise<void> => {
  for (let turn = 0; turn < turnsOfLoop; turn += 1) await sleep(ms / turnsOfLoop)
}
