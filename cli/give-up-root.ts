import { statSync } from 'node:fs'
import { become, isRoot } from '../servers/supervisor/privilege.ts'
import type { Settings } from '../shared/config/settings.ts'
import { findUser, type SystemUser } from '../shared/system-user.ts'

/**
 * So that no file ends up root's: root becomes the user of the settings, else the owner of the data folder.
 * @param prepare does for that user what still needs root
 */
export const giveUpRoot = ({ user, data }: Settings, prepare: (to: SystemUser) => void = () => undefined): void => {
  if (!isRoot()) return
  if (user !== null) {
    const to = findUser(user)
    prepare(to)
    become(to)
    return
  }
  const owner = statSync(data, { throwIfNoEntry: false })
  if (owner !== undefined && owner.uid !== 0) become({ name: String(owner.uid), uid: owner.uid, gid: owner.gid })
}
