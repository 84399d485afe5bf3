import { statSync } from 'node:fs'
import { become, isRoot } from '../servers/supervisor/privilege.ts'
import type { Settings } from '../shared/config/settings.ts'
import { findUser } from '../shared/system-user.ts'

/** So that no file ends up root's: root becomes the user of the settings, else the owner of the data folder. */
export const giveUpRoot = ({ user, data }: Settings): void => {
  if (!isRoot()) return
  if (user !== null) {
    become(findUser(user))
    return
  }
  const owner = statSync(data, { throwIfNoEntry: false })
  if (owner !== undefined && owner.uid !== 0) become({ name: String(owner.uid), uid: owner.uid, gid: owner.gid })
}
