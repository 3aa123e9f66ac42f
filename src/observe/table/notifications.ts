/** Events to web hooks, under distribution's names. */
import { LATER, type Make } from '../make.ts'

/** Makes them. */
export const notificationMetrics = ({ counter, gauge }: Make) => ({
  notificationEvents: counter(
    'registry_notifications_events_total',
    'Events for endpoints: all, taken, answered otherwise, and tries without an answer',
    { type: ['Events', 'Successes', 'Failures', 'Errors'], endpoint: LATER },
  ),
  notificationsPending: gauge('registry_notifications_pending_total', 'Events that wait for an endpoint', {
    endpoint: LATER,
  }),
  notificationStatus: counter('registry_notifications_status_total', 'Answers of endpoints, by status', {
    code: LATER,
    endpoint: LATER,
  }),
  notificationsDropped: counter(
    'entrepot_notifications_dropped_total',
    'Events lost because too many waited for an endpoint',
    { endpoint: LATER },
  ),
})
