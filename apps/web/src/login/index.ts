/**
 * A computer signs in by a phone that is signed in: docs/link-login.md. For the pages of any application whose server has mapped links with a login; it needs nothing else of ours.
 *
 * The computer's page makes a `ComputerLogin`, shows what its state says, and is signed in when that is `done`. The phone's page is the one at `/phone`: `takeCode()` says what was
 * scanned, `PhoneLogin` does the rest. Both are observable: `subscribe(listener)` tells the state as it is, and each that follows.
 */
export type { Asker, Peer } from '../link/states.ts';
export { takeCode } from '../phone/fragment.ts';
export { ComputerLogin, type ComputerLoginOptions, type ComputerLoginState } from './computer-login.ts';
export { PhoneLogin, type PhoneLoginOptions, type PhoneLoginState } from './phone-login.ts';
export { createQrCode } from './qr-code.ts';
export type { LoginFailure } from './failure.ts';
