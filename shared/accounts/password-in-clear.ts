import type { ServiceSettings } from '../config/settings.ts'
import type { Connection } from '../service.ts'

/**
 * Whether a password may come over this connection as it is now (`requireTls`): in clear within this machine only, unless the setting
 * says otherwise.
 */
export const mayTakePassword = (
  connection: Pick<Connection, 'secure' | 'withinMachine'>,
  requireTls: ServiceSettings['requireTls'],
): boolean => {
  if (connection.secure || requireTls === 'never') return true
  return requireTls === 'auto' && connection.withinMachine
}
