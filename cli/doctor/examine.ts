/** All checks in their order, and how they are made. */

import { nearest } from '../../shared/config/nearest.ts'
import type { Configuration } from '../../shared/config/settings.ts'
import { PermanentError } from '../../shared/service.ts'
import { giveUpRoot } from '../give-up-root.ts'
import { seeSupervisor } from '../supervisor-status.ts'
import { accounts } from './accounts.ts'
import { certificates } from './certificates.ts'
import { type Check, type Finding, found, type Patient } from './check.ts'
import { clock } from './clock.ts'
import { conversation } from './conversation.ts'
import { disk } from './disk.ts'
import { folders } from './folders.ts'
import { mailRoom } from './mail-room.ts'
import { names } from './names.ts'
import { needs } from './needs.ts'
import { permissions } from './permissions.ts'
import { ports } from './ports.ts'
import { processes } from './processes.ts'
import { resources } from './resources.ts'
import { settings } from './settings.ts'
import { supervisor } from './supervisor.ts'
import { trust } from './trust.ts'

/** These see more as root: whose a port is, keys of others, processes of others. */
const first: readonly Check[] = [supervisor, ports, processes, certificates, permissions, disk, clock, resources, settings]
/** These see what the family would: made as its user. */
const then: readonly Check[] = [names, trust, folders, needs, accounts, mailRoom, conversation]

/** All of them. */
export const checks: readonly Check[] = [...first, ...then]

/** A finding and the check that made it. */
export interface Examined extends Finding {
  readonly check: string
}

const make = async (check: Check, patient: Patient): Promise<readonly Examined[]> => {
  try {
    return (await check.look(patient)).map((finding) => ({ ...finding, check: check.name }))
  } catch (error) {
    // Whatever it is, the other checks still have something to say.
    const why = error instanceof Error ? error.message : String(error)
    return [{ ...found('problem', `could not be looked at: ${why}`, null), check: check.name }]
  }
}

const patientOf = async (configuration: Configuration, only: string | null): Promise<Patient> => {
  const { services } = configuration
  const named = services.filter(({ name }) => name === only)
  if (only !== null && named.length === 0) {
    const names = services.map(({ name }) => name)
    const like = nearest(only, names)
    throw new PermanentError(
      `no service is called ${only}${like === null ? `; there are: ${names.join(', ')}` : `: is ${like} meant?`}`,
    )
  }
  if (named.some(({ enabled }) => !enabled))
    throw new PermanentError(`${only} is switched off: --set services.${only}.enabled=true`)
  const looked = only === null ? services.filter(({ enabled }) => enabled) : named
  return { configuration, services: looked, seen: await seeSupervisor(configuration.settings.data), nowMs: Date.now() }
}

/**
 * Makes all checks, or those of one service; root becomes the user of Havre on the way, for good.
 * @throws {PermanentError} when there is no such service
 */
export const examine = async (configuration: Configuration, only: string | null): Promise<readonly Examined[]> => {
  const patient = await patientOf(configuration, only)
  const wanted = ({ ofServices }: Check) => only === null || ofServices
  const findings: Examined[] = []
  for (const check of first.filter(wanted)) findings.push(...(await make(check, patient)))
  giveUpRoot(configuration.settings)
  for (const check of then.filter(wanted)) findings.push(...(await make(check, patient)))
  return findings.filter(({ service }) => only === null || service === null || service === only)
}
