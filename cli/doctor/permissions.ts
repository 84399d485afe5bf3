import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { findUser } from '../../shared/system-user.ts'
import { localFiles } from '../../shared/tls/local-certificate.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

interface Entry {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly isFolder: boolean
}

/** A folder with more than this is not looked through: the first ones show what is wrong with all. */
const maxEntries = 5_000

const entryOf = async (path: string): Promise<Entry | null> => {
  try {
    const { mode, uid, isDirectory } = await lstat(path).then((stat) => ({ ...stat, isDirectory: stat.isDirectory() }))
    return { path, mode: mode & 0o777, uid, isFolder: isDirectory }
  } catch (error) {
    // Gone, or not to be seen by this user: what may not be seen is not open to all.
    if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) throw error
    return null
  }
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).slice(0, maxEntries)
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) throw error
    return []
  }
}

const entriesOf = async (paths: readonly string[]): Promise<readonly Entry[]> =>
  (await Promise.all(paths.map(entryOf))).filter((entry) => entry !== null)

const below = async (folder: string): Promise<readonly string[]> => (await namesIn(folder)).map((name) => join(folder, name))

/** Files that hold secrets, or mail, each with the bits that it must not have. */
const secretsOf = async ({
  configuration: { settings },
}: Patient): Promise<readonly (Entry & { readonly forbidden: number })[]> => {
  const { data, tls } = settings
  const databases = (await below(data)).filter((path) => /\.db(?:-wal|-shm)?$/.test(path))
  const keys = [tls, ...tls.certificates].flatMap(({ key }) => (key === 'auto' ? [] : [key]))
  const { authority, server } = localFiles(data)
  const ours = await entriesOf([...databases, authority.key, server.key, join(data, 'run')])
  // A key that is not of our making may be shared by a group, as Debian's ssl-cert has it.
  return [
    ...ours.map((entry) => ({ ...entry, forbidden: 0o077 })),
    ...(await entriesOf(keys)).map((entry) => ({ ...entry, forbidden: 0o027 })),
  ]
}

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

const list = (paths: readonly string[]): string =>
  paths.length > 3 ? `${paths.slice(0, 3).join(', ')} and ${paths.length - 3} more` : paths.join(', ')

const ofSecrets = (entries: readonly (Entry & { readonly forbidden: number })[]): Finding[] =>
  entries
    .filter(({ mode, forbidden }) => (mode & forbidden) !== 0)
    .map(({ path, mode, isFolder }) => {
      const wanted = isFolder ? '0700' : '0600'
      const message = `${path} can be ${(mode & 0o022) === 0 ? 'read' : 'written'} by others than its owner (${octal(mode)})`
      return found('problem', message, `chmod ${wanted} ${path}`)
    })

/** Who the family is: the user of the settings, else whoever owns the data folder. */
const familyUid = ({ configuration: { settings } }: Patient, data: Entry | null): number | null => {
  if (settings.user !== null) return findUser(settings.user).uid
  return data?.uid ?? process.getuid?.() ?? null
}

const ofOwners = (entries: readonly Entry[], uid: number, folder: string): Finding[] => {
  const others = entries.filter((entry) => entry.uid !== uid)
  if (others.length === 0) return []
  const roots = others.filter((entry) => entry.uid === 0)
  const whose = roots.length === others.length ? 'root' : 'others'
  const paths = list(others.map(({ path }) => path))
  return [
    found(
      'problem',
      `${paths}: belong${others.length === 1 ? 's' : ''} to ${whose}, not to the user of Havre (uid ${uid})`,
      `chown -R ${uid} ${folder}`,
    ),
  ]
}

const look = async (patient: Patient): Promise<Finding[]> => {
  if (process.platform === 'win32') return [ok('not looked at on Windows')]
  const { data, logs } = patient.configuration.settings
  const top = await entryOf(data)
  if (top === null) return [ok(`${data} is not there yet`)]
  const secrets = await secretsOf(patient)
  const homesFolder = join(data, 'files')
  const homes = await entryOf(homesFolder)
  const uid = familyUid(patient, top)
  const folders = ['tls', 'run', 'files'].map((name) => join(data, name))
  // The site may well be somebody else's, who writes it.
  const inTop = (await below(data)).filter((path) => path !== join(data, 'www'))
  const inData = await entriesOf([data, ...inTop, ...(await Promise.all(folders.map(below))).flat()])
  const inLogs = await entriesOf([logs, ...(await below(logs))])
  const open = [...inData, ...inLogs].filter(({ mode, isFolder }) => isFolder && (mode & 0o002) !== 0)
  const findings = [
    ...ofSecrets(secrets),
    ...open.map(({ path, mode }) => found('problem', `everybody may put files into ${path} (${octal(mode)})`, `chmod o-w ${path}`)),
    ...((homes?.mode ?? 0) & 0o077
      ? [
          found(
            'hint',
            `other users of this machine may look into the accounts’ files in ${homesFolder}`,
            `chmod 0700 ${homesFolder}`,
          ),
        ]
      : []),
    ...(uid === null ? [] : [...ofOwners(inData, uid, data), ...ofOwners(inLogs, uid, logs)]),
  ]
  return findings.length > 0 ? findings : [ok('data, keys and logs are their owner’s')]
}

/** Whether keys, accounts and mail are for the user of Havre alone, and everything belongs to that user. */
export const permissions: Check = { name: 'permissions', ofServices: false, look }
