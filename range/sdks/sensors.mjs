import sensors from 'sa-sdk-javascript';

export const about = {
  component: 'sa-sdk-javascript', family: 'sensors', package: 'sa-sdk-javascript', purpose: 'analytics',
  hosts: ['receiver.sensors-range.test'], script: 'https://static.sensorsdata.cn/sdk/1.27.11/sensorsdata.min.js',
};

export function start() {
  sensors.init({
    server_url: 'https://receiver.sensors-range.test/sa?project=default', show_log: false, is_track_single_page: true, send_type: 'beacon',
  });
  sensors.quick('autoTrack');
}

export function identify({ email, userId, phone, name }) {
  sensors.login(userId ?? email);
  sensors.setProfile(Object.fromEntries(Object.entries({ email, phone, name }).filter(([, value]) => value)));
}

export const track = (name, properties) => sensors.track(name, properties);
