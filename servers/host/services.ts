/** Where the protocols' code lies: a child loads its own only. */
import type { Service } from '../../shared/service.ts'

const loaders = {
  http: async () => (await import('../http/service.ts')).service,
  ftp: async () => (await import('../ftp/service.ts')).service,
  smtp: async () => (await import('../smtp/service.ts')).service,
  pop3: async () => (await import('../pop3/service.ts')).service,
} as const

/** A protocol's code, ready to create a server from options that its schema has checked, or null for an unknown protocol. */
export const loadService = async (protocol: string): Promise<Service<unknown> | null> => {
  const loader = Object.hasOwn(loaders, protocol) ? loaders[protocol as keyof typeof loaders] : undefined
  // The supervisor checked the options by this very protocol's schema before it sent them.
  return loader === undefined ? null : ((await loader()) as Service<unknown>)
}
