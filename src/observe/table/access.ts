/** Who is let in, and by which certificate this registry shows itself. */
import { LATER, type Make } from '../make.ts'

/** What credentials were refused as: `unchecked` where too many came, or too many were wrong. */
const REFUSALS = ['password', 'token', 'unchecked'] as const

/** Makes them. */
export const accessMetrics = ({ counter, gauge }: Make) => ({
  loginsRefused: counter(
    'entrepot_logins_refused_total',
    'Requests refused for the credentials they came with',
    {
      as: REFUSALS,
    },
  ),
  certificateExpiry: gauge(
    'entrepot_tls_certificate_expiry_timestamp_seconds',
    'When the certificate of this registry expires, in seconds since the epoch',
    { certificate: LATER },
  ),
})
