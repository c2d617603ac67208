export type { SlackConfig, SlackConfigInput, SlackCredentials } from './config.js';
export type { SlackCursor } from './cursor.js';
export type {
  SlackChannelJoinedEvent,
  SlackChannelLeftEvent,
  SlackChannelRenamedEvent,
  SlackDeletedData,
  SlackEvent,
  SlackMembershipData,
  SlackMessageChangedEvent,
  SlackMessageData,
  SlackMessageDeletedEvent,
  SlackMessageEvent,
  SlackPlace,
  SlackReactionAddedEvent,
  SlackReactionData,
  SlackReactionRemovedEvent,
  SlackRenamedData,
} from './events.js';
export type { SlackFile, SlackReaction } from './message.js';
export { SlackSource } from './source.js';
