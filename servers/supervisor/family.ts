/** All services of one configuration: which there are, how they change at a reload, how they end. */
import type { Identity } from '../../shared/as-user.ts'
import type { Configuration, ConfiguredService, ServiceSettings, Settings } from '../../shared/config/settings.ts'
import { PermanentError } from '../../shared/service.ts'
import { endLeftover } from '../exec/leftover.ts'
import { childProgram, forkChildren, type Plan, runnerProgram } from './child.ts'
import { fittingConnections } from './descriptors.ts'
import { withMailStore } from './first-mail.ts'
import type { Holder } from './holder.ts'
import { Keeper, type KeeperEvents } from './keeper.ts'
import { LocalConnections } from './local-connections.ts'
import { bindPort, findPort, type Place, type Port, PortError } from './ports.ts'
import type { Means } from './post.ts'
import { runningTime } from './running-time.ts'
import { plainFlags, sandboxFlags } from './sandbox.ts'

/** What is the same for all plans of one process. */
export interface FamilyOptions {
  readonly version: string
  readonly console: boolean
  readonly events: KeeperEvents
}

/** What a reload did to which service. */
export interface Changes {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly replaced: readonly string[]
  readonly unchanged: readonly string[]
}

const placeOf = ({ name, host, port }: ServiceSettings): Place => ({ service: name, host, port })

/**
 * Binds the ports of these services, all of them or none.
 * @param data the data folder: what children of its last supervisor still hold is waited for
 * @param serving children of this supervisor that will not give their ports free
 * @param user whom root is about to become
 * @throws {PortError} of the first that cannot be had
 */
export const bindServices = async (
  services: readonly ConfiguredService[],
  data: string,
  serving: readonly number[] = [],
  user: Identity | null = null,
): Promise<Map<string, Port>> => {
  const isLeaving = (holder: Holder) => isChildOf(data, holder) && !serving.includes(holder.pid)
  const bound = new Map<string, Port>()
  try {
    for (const service of services) {
      // What an earlier supervisor left of a program may hold the port.
      if (service.external !== null) await endLeftover(data, service.name, serving, user)
      const take = service.external === null ? bindPort : findPort
      bound.set(service.name, await take(placeOf(service), isLeaving))
    }
    return bound
  } catch (error) {
    closeAll(bound)
    throw error
  }
}

const closeAll = (ports: ReadonlyMap<string, Port>): void => {
  for (const port of ports.values()) port.close()
}

/**
 * What a child is told about: when this is the same, the child need not be replaced. When logs are put away is not its affair; the level
 * of its journal it learns without being replaced, so that no conversation ends for it.
 */
const fingerprint = ({ service, settings }: Plan): string =>
  JSON.stringify([
    { ...service, log: null },
    { ...settings, log: null },
  ])

/** The services, each with its keeper. */
export class Family {
  readonly keepers = new Map<string, Keeper>()
  /** Services that a reload removed and that still drain. */
  readonly #leaving = new Set<Keeper>()
  readonly #options: FamilyOptions
  readonly #connections = new LocalConnections()
  readonly #means: Means = { fork: withMailStore(forkChildren(this.#connections)), clock: runningTime, random: Math.random }
  #stopping = false

  constructor(options: FamilyOptions) {
    this.#options = options
  }

  /** Begins to keep a service. */
  add(service: ConfiguredService, settings: Settings, port: Port): Keeper {
    const keeper = new Keeper(this.#plan(service, settings), port, this.#options.events, this.#means)
    this.keepers.set(service.name, keeper)
    keeper.start()
    return keeper
  }

  /**
   * Goes over to another configuration: all ports that are new are bound before anything changes; services whose options
   * changed are replaced, added ones started, missing ones drained.
   * @throws {PortError} nothing changed, nor at any other error. @throws {AggregateError} all changed but some services, which could
   * not be replaced and go on as they were
   */
  async become({ settings, services }: Configuration): Promise<Changes> {
    const wanted = services.filter(({ enabled }) => enabled)
    for (const service of wanted) this.#checkKind(service)
    // First, since it makes folders, which may fail.
    const plans = new Map(wanted.map((service) => [service.name, this.#plan(service, settings)]))
    const givers = this.#giversTo(wanted)
    const ports = await this.#bind(
      wanted.filter((service) => this.#needsPort(service) && !givers.has(service.name)),
      settings.data,
    )
    for (const [name, { port }] of givers) ports.set(name, port.share())
    const names = new Set(wanted.map(({ name }) => name))
    const removed = [...this.keepers.values()].filter(({ name }) => !names.has(name))
    for (const keeper of removed) this.#remove(keeper, settings.drainMs)
    const added = wanted.filter(({ name }) => !this.keepers.has(name))
    const kept = wanted.flatMap((service) => this.keepers.get(service.name) ?? [])
    const changed = kept.filter((keeper) => this.#differs(keeper, plans.get(keeper.name), ports.has(keeper.name)))
    // One that takes the port of a service that stays can begin only when that one has gone from it.
    const isLate = ({ name }: ServiceSettings) => changed.some((keeper) => keeper === givers.get(name))
    for (const service of added) if (!isLate(service)) this.#addBound(service, settings, ports)
    for (const keeper of kept) {
      const plan = plans.get(keeper.name)
      if (plan !== undefined && !changed.includes(keeper)) keeper.adjust(plan)
    }
    const failures = await this.#replaceAll(changed, plans, ports, givers)
    for (const service of added.filter(isLate)) {
      const giver = givers.get(service.name)
      if (giver === undefined || !isAt(giver.port, service)) this.#addBound(service, settings, ports)
      else {
        failures.push(new Error(`${service.name}: its port is not free, since ${giver.name} stays there`))
        ports.get(service.name)?.close()
      }
    }
    this.#check(failures, changed)
    const namesOf = (all: readonly { name: string }[]) => all.map(({ name }) => name)
    return {
      added: namesOf(added),
      removed: namesOf(removed),
      replaced: namesOf(changed),
      unchanged: namesOf(kept.filter((keeper) => !changed.includes(keeper))),
    }
  }

  /** Another change waits for the one under way. */
  hurry(): void {
    for (const keeper of this.keepers.values()) keeper.hurry()
  }

  /** Ends all services; resolves when the last child is gone. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true
    await Promise.all([...this.keepers.values(), ...this.#leaving].map((keeper) => keeper.stop(deadlineMs)))
    this.#connections.close()
  }

  /** Has all children go on in new logs. */
  async reopenLogs(): Promise<void> {
    await Promise.all([...this.keepers.values(), ...this.#leaving].map((keeper) => keeper.reopenLogs()))
  }

  /** Ends all children at once. */
  kill(): void {
    for (const keeper of [...this.keepers.values(), ...this.#leaving]) keeper.kill()
  }

  async #bind(services: readonly ConfiguredService[], data: string): Promise<Map<string, Port>> {
    const serving = [...this.keepers.values()]
    try {
      const ports = await bindServices(
        services,
        data,
        serving.flatMap(({ pids }) => pids),
      )
      if (!this.#stopping) return ports
      closeAll(ports)
    } catch (error) {
      const holder =
        error instanceof PortError ? serving.find(({ pids }) => pids.some((pid) => pid === error.holderPid)) : undefined
      if (holder === undefined) throw error
      const message = `a port can go from ${holder.name} to another service or address only with a stop and a start. Nothing was changed`
      throw new PermanentError(message, { cause: error })
    }
    throw new Error('Havre is being stopped: nothing was changed')
  }

  /**
   * Services whose port another one is to have, by the name of that one: they leave it by the same change, removed or moved. It stays
   * bound, and who waits at it is served by whoever comes. Programs of somebody else bind their ports themselves.
   */
  #giversTo(wanted: readonly ConfiguredService[]): Map<string, Keeper> {
    const keepers = [...this.keepers.values()].filter(({ plan }) => plan.service.external === null)
    const isLeaving = ({ name }: Keeper) => wanted.every((service) => service.name !== name || this.#needsPort(service))
    const takers = wanted.filter((service) => service.external === null && this.#needsPort(service))
    return new Map(
      takers.flatMap((taker): [string, Keeper][] => {
        const giver = keepers.find((keeper) => isAt(keeper.port, taker) && isLeaving(keeper))
        return giver === undefined ? [] : [[taker.name, giver]]
      }),
    )
  }

  #plan(service: ConfiguredService, settings: Settings): Plan {
    const { grants } = service
    const { version, console } = this.#options
    const flags = service.external === null ? sandboxFlags(grants, settings) : plainFlags
    const limits = { ...service.limits, connections: fittingConnections(service) }
    return { service: { ...service, limits }, settings, version, console, network: grants.network, flags }
  }

  /** The port is bound here or there: it cannot go from one to the other under a client. */
  #checkKind({ name, external }: ConfiguredService): void {
    const keeper = this.keepers.get(name)
    if (keeper === undefined || (keeper.plan.service.external === null) === (external === null)) return
    throw new PermanentError(
      `${name}: a service cannot become a program of somebody else, or cease to be one, while Havre runs: stop it and start it again. Nothing was changed`,
    )
  }

  #needsPort({ name, host, port }: ServiceSettings): boolean {
    const keeper = this.keepers.get(name)
    if (keeper === undefined) return true
    const before = keeper.plan.service
    return before.host !== host || before.port !== port
  }

  #differs(keeper: Keeper, plan: Plan | undefined, moved: boolean): boolean {
    return plan !== undefined && (moved || !keeper.whole || fingerprint(plan) !== fingerprint(keeper.plan))
  }

  #addBound(service: ConfiguredService, settings: Settings, ports: ReadonlyMap<string, Port>): void {
    const port = ports.get(service.name)
    if (port !== undefined) this.add(service, settings, port)
  }

  /** Replaces services; those that give each other their ports all together, or none of them. @returns what failed */
  async #replaceAll(
    changed: readonly Keeper[],
    plans: ReadonlyMap<string, Plan>,
    ports: ReadonlyMap<string, Port>,
    givers: ReadonlyMap<string, Keeper>,
  ): Promise<Error[]> {
    const prepare = (keeper: Keeper) => keeper.prepare(plans.get(keeper.name) ?? keeper.plan, ports.get(keeper.name) ?? keeper.port)
    const replace = async (group: readonly Keeper[]): Promise<Error[]> => {
      const outcomes = await Promise.allSettled(group.map(prepare))
      const failures = outcomes.flatMap((outcome, at) =>
        outcome.status === 'rejected' ? [new Error(`${group[at]?.name}: ${messageOf(outcome.reason)}`)] : [],
      )
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') continue
        if (failures.length === 0) outcome.value.commit()
        else outcome.value.abort()
      }
      return failures
    }
    return (await Promise.all(groupsOf(changed, givers).map(replace))).flat()
  }

  #check(failures: readonly Error[], changed: readonly Keeper[]): void {
    if (failures.length === 0) return
    const programs = changed.some(({ plan }) => plan.service.external !== null) ? ' (an external program: is tried again)' : ''
    const told = failures.map(({ message }) => message).join('; ')
    throw new AggregateError(failures, `not replaced, goes on as before${programs}: ${told}`)
  }

  #remove(keeper: Keeper, drainMs: number): void {
    this.keepers.delete(keeper.name)
    this.#leaving.add(keeper)
    void keeper.stop(drainMs).then(() => this.#leaving.delete(keeper))
  }
}

const isAt = (port: Port, { host, port: number }: ServiceSettings): boolean => port.host === host && port.port === number

/** Keepers that give a port to one another, directly or by way of others, belong together. */
const groupsOf = (keepers: readonly Keeper[], givers: ReadonlyMap<string, Keeper>): readonly (readonly Keeper[])[] => {
  let groups: (readonly Keeper[])[] = keepers.map((keeper) => [keeper])
  for (const taker of keepers) {
    const giver = givers.get(taker.name)
    const joined = groups.filter((group) => group.includes(taker) || (giver !== undefined && group.includes(giver)))
    groups = [...groups.filter((group) => !joined.includes(group)), joined.flat()]
  }
  return groups
}

const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason))

/** Whether a program is a child of a supervisor of this data folder: of this one, or of one that died and left it behind. */
const isChildOf = (data: string, { args }: Holder): boolean =>
  [childProgram, runnerProgram].some((program) => args.includes(program)) && args.includes(`--data=${data}`)
