import posthog from 'posthog-js';

export const about = {
  component: 'posthog-js', family: 'posthog', package: 'posthog-js', purpose: 'analytics',
  hosts: ['us.i.posthog.com', 'us-assets.i.posthog.com'], script: 'https://cdn.posthog-range.test/array.js',
};

export function start() {
  posthog.init('phc_rangeprojectkey0000000000000000000000000', {
    persistence: 'localStorage+cookie', person_profiles: 'always',
    opt_out_useragent_filter: true, request_queue_config: { flush_interval_ms: 500 },
  });
}

export const identify = ({ email, userId, phone, name }) => posthog.identify(userId ?? email, { email, phone, name });
export const track = (name, properties) => posthog.capture(name, properties);
export const optOut = () => posthog.opt_out_capturing();
