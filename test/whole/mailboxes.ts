import { Client } from '../kit/client.ts'
import type { Family } from '../kit/family.ts'
import { count, dele, logIn, quit } from './conversations.ts'
import type { Login } from './mail-route.ts'

/** Removes all messages of a mailbox, over POP3. */
export const emptyMailbox = async (family: Family, { user, password }: Login): Promise<void> => {
  using client = await Client.connect(family.port('pop3'))
  if (!(await logIn(client, user, password))) throw new Error('the mailbox is in use')
  for (let number = await count(client); number > 0; number--) await dele(client, number)
  await quit(client)
}
