import { packageVersion } from '../../shared/version.ts'
import { type Check, type Finding, found, ok, type Patient } from './check.ts'

/** What else the status says of the services' state is in `havre status`; here is what is wrong with it. */
const ofServices = ({ services, seen }: Patient): Finding[] => {
  if (seen.kind !== 'running') return []
  const configured = new Set(services.map(({ name }) => name))
  const running = seen.status.services.filter(({ name }) => configured.has(name))
  const missing = services.filter(({ name }) => !running.some((service) => service.name === name))
  const reload = '`havre reload` takes over the configuration as it is now'
  return [
    ...running.flatMap(({ name, state, lastError }) => {
      if (state === 'ready') return []
      const why = lastError === null ? '' : `: ${lastError}`
      const next =
        state === 'failed' ? 'Set right what it says, then `havre reload`' : 'It is tried again by itself; `havre logs` tells more'
      return [found(state === 'failed' || state === 'waiting' ? 'problem' : 'hint', `${name} is ${state}${why}`, next, name)]
    }),
    ...missing.map(({ name }) => found('warning', `${name} is in the configuration, but does not run`, reload, name)),
  ]
}

/** Journals that cannot be written, and records that are lost. */
const ofJournals = ({ seen }: Patient): Finding[] => {
  if (seen.kind !== 'running') return []
  const { supervisor, services } = seen.status
  const journals = [{ name: null, journal: supervisor.journal }, ...services]
  return journals.flatMap(({ name, journal }) => {
    if (journal === undefined) return []
    const whose = `the journal of ${name ?? 'the supervisor'}`
    const remedy = 'Look at the folder of the logs, its disk and its permissions; writing is tried again by itself'
    if (!journal.ok)
      return [found('problem', `${whose} cannot be written: ${journal.error ?? 'for an unknown reason'}`, remedy, name)]
    return journal.dropped > 0
      ? [found('hint', `${whose} lacks ${journal.dropped} records, lost while it could not be written`, null, name)]
      : []
  })
}

const look = async (patient: Patient): Promise<Finding[]> => {
  const { seen, configuration } = patient
  const { data } = configuration.settings
  if (seen.kind === 'absent') return [found('hint', `no Havre runs on ${data}: looked at is whether one could start`, null)]
  if (seen.kind === 'silent') {
    const suggestion = '`havre doctor` says under "processes" whether it was stopped; else end it with `kill` and start it again'
    return [found('problem', seen.why, suggestion)]
  }
  const { pid, version, state } = seen.status.supervisor
  const finding = ok(`Havre ${version} runs on ${data} (pid ${pid}, ${state})`)
  const other = packageVersion()
  const stale = found('hint', `the Havre that runs is ${version}, this one is ${other}`, 'A stop and a start go over to it')
  return [finding, ...(version === other ? [] : [stale]), ...ofServices(patient), ...ofJournals(patient)]
}

/** Whether a supervisor runs, and what it says of its services. */
export const supervisor: Check = { name: 'supervisor', ofServices: true, look }
