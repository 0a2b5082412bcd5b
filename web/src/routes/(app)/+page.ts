export { load } from './documents/+page';
