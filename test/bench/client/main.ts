/** A client process of the benchmark. */
import { answerCalls } from '../workers/worker.ts'
import { download } from './download.ts'
import { pullImage } from './image.ts'
import { endRequests, request } from './requests.ts'
import { upload } from './upload.ts'

answerCalls({ download, request, endRequests, upload, pullImage })
