/** The documents for users, typed as they stand. */
import { testChapters } from './chapter.ts';
import { guideChapters } from './guide-chapters.ts';

testChapters(guideChapters);
