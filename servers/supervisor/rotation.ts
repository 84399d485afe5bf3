/** The logs of a family: which there are, and who hears of their rotation. */
import type { Configuration } from '../../shared/config/settings.ts'
import type { Log } from '../../shared/log/log.ts'
import type { RotationEvents, RotationPlan } from '../../shared/log/rotation.ts'
import * as journal from './journal.ts'

/** What is to be done by a configuration. Services that are switched off may have left logs. */
export const rotationOf = ({ settings, services }: Configuration): RotationPlan => ({
  ...settings.log.rotate,
  folder: settings.logs,
  services: ['supervisor', ...services.map(({ name }) => name)],
})

/** Tells the journal of it. */
export const rotationEvents = (log: Log): RotationEvents => ({
  rotated: (file, octets) => journal.logRotated(log, file, octets),
  removed: (file, octets) => journal.logRemoved(log, file, octets),
  failing: (error) => journal.logsNotRotated(log, error),
})
