import { killUnderLoad, reloadUnderLoad, services, useVisited } from './visitors.ts'

const rounds = 20

describe('the whole: nobody is refused, for long', function () {
  this.timeout(900_000)
  const setting = useVisited()

  it(`${rounds} reloads that replace every child fail no request, no conversation, no transfer`, () =>
    reloadUnderLoad(setting(), rounds))

  it(`${rounds} kills of each service, of all of them at a time, lose no connection that the killed child had not taken`, () =>
    Promise.all(services.map((service) => killUnderLoad(setting(), service, rounds))))
})
